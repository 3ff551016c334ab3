// What the upstream answers, from the request alone: whoever knows the request can tell any other answer from the right
// one.

/** How many bytes an answer that refuses early has. */
export const EARLY_SIZE = 100

/**
 * @param id of the request
 * @param digest of its body
 * @param size of the answer, in bytes
 */
export function answerBody ({ method, id, digest, size }) {
  return Buffer.alloc(size, `${method} ${id} ${digest} `)
}

/** The status of an answer given in this manner. */
export function statusOf (how) {
  return { early: 413, secret: 401 }[how] ?? 200
}
