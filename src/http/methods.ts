/** The methods that MAAS knows. MAAS itself answers 405 to HEAD, OPTIONS and PATCH (seen on a running MAAS 3.4). */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const

/** The methods that only read, according to HTTP (RFC 9110 §9.2.1). */
export const READING_METHODS: readonly string[] = ['GET', 'HEAD']
