/** Names of records. */

/**
 * A name that nothing else has. `randomUUID` is there in secure contexts only. A page that another
 * machine sends without TLS is not in one.
 */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
