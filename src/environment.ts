/** Variables by name; one that is empty counts as not set, as compose files and shells write them. */
export type Environment = Readonly<Record<string, string | undefined>>
