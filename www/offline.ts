/**
 * Lets the page work without the network: registers the service worker, which keeps the demo's own
 * files.
 */

/** Registers it where the browser has any. A page without one only needs the network again. */
export async function worksOffline(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
  } catch (error) {
    console.warn("demo: the page will need the network next time:", error);
  }
}
