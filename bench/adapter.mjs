/**
 * Adapters that say other things of themselves than they are: without matrix units, which Chrome has behind a flag and most people do not, to
 * measure what those get; or with them where there is no GPU, to see which kernels would run there. Works in a page and in Node alike.
 */

/** An object that has these properties in place of its own. */
export function overlaid(object, properties) {
  return new Proxy({}, { get: (_, key) => (key in properties ? properties[key] : object[key]) });
}

/** From now on every adapter's `info`, and its `limits`, have these properties in place of their own. */
export function pretend(properties, limits = {}) {
  const { gpu } = globalThis.navigator;
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (options) => {
    const adapter = await requestAdapter(options);
    if (!adapter) return adapter;
    const told = { info: overlaid(adapter.info, properties), limits: overlaid(adapter.limits, limits) };
    return Object.defineProperties(adapter, { info: { value: told.info }, limits: { value: told.limits } });
  };
}

/** No adapter has matrix units from now on. */
export function hideMatrixUnits() {
  pretend({ subgroupMatrixConfigs: [] });
}
