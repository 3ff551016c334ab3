import type { Setting } from '../../settings/setting.ts'

/** A setting as the user types it: its flag with the placeholder of the value, or its variable if it has no flag. */
export function usageOf ({ flag, env, value, repeatable }: Setting<unknown>): string {
  return flag === null ? env : `${flag}${value === null ? '' : ` ${value}`}${repeatable ? ' ...' : ''}`
}

/** The help of a setting with its default. Defaults of switches and paths in the package are left out. */
export function meaningOf ({ help, default: text, value }: Setting<unknown>): string {
  return !text || text.startsWith('/') || value === null ? help : `${help} (${text})`
}
