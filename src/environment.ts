/** Environment variables by name. An empty value counts as not set: compose files pass unset ones as empty. */
export type Environment = Readonly<Record<string, string | undefined>>
