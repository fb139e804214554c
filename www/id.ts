/** Names of records. */

/**
 * A name that nothing else has. Browsers have `randomUUID` in secure contexts only, and a page that
 * comes from another machine without TLS is none.
 */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
