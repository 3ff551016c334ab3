import { packageFile, readPackageFile } from '../package.ts'

/** A row of a shipped table of rules. */
interface ShippedRow {
  rule: string
  reason: string
  /** in the credential guard: false if the operation opens only together with all others */
  opensSingly?: boolean
}

/** Reads a table of rules that the package ships. @param name the name of its file in `config` */
export function readShippedRows (name: string): ShippedRow[] {
  return JSON.parse(readPackageFile(packageFile(`config/${name}`))) as ShippedRow[]
}
