/**
 * Makes WebGPU adapters report other features and limits than they have. The benchmark hides matrix units, which Chrome has behind a flag,
 * to measure what most people get. A test reports matrix units where there is no GPU, to see which kernels would run. Works in a page and
 * in Node.
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
