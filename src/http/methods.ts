/** The methods that MAAS knows. MAAS itself answers 405 to HEAD, OPTIONS and PATCH (seen on a running MAAS 3.4). */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const

/** The safe methods (RFC 9110 §9.2.1): two such requests can run at the same time. */
export const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** The safe methods that read something of MAAS. */
export const READING_METHODS: readonly string[] = ['GET', 'HEAD']
