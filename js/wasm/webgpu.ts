/** Whether there is WebGPU here and, where there is none, why not and what to do about it. */

import { WebGPUNotAvailableError } from "../api/errors.js";

/** What an object must have to be WebGPU's `GPU`. */
export interface GpuLike {
  requestAdapter(options?: object): Promise<unknown>;
}

/** The answer of {@link checkWebGPU}. */
export type WebGPUStatus =
  | { available: true; vendor: string; architecture: string; description: string; f16: boolean; subgroups: boolean; software: boolean }
  | { available: false; reason: string; advice: string };

/** Looks for an adapter, of `given` where that is the `GPU` object to use. Nothing is downloaded and no device is made. */
export async function checkWebGPU(given?: GpuLike): Promise<WebGPUStatus> {
  // Node and Deno have no secure contexts, and need none.
  if (globalThis.isSecureContext === false) {
    return absent("this page is not served securely", "Browsers offer WebGPU only on https:// and on http://localhost.");
  }
  // The types promise `gpu`; browsers without WebGPU do not have it.
  const { navigator } = globalThis as { navigator?: { gpu?: GPU; userAgent?: string } };
  const gpu = (given as GPU | undefined) ?? navigator?.gpu;
  if (!gpu) {
    if (isBrowser()) return absent("this browser has no WebGPU", adviceFor(navigator?.userAgent ?? ""));
    const advice = "Give createEngine one as the option gpu, such as that of the npm package webgpu: createEngine({ gpu: create([]), … }).";
    return absent("there is no WebGPU in this runtime", advice);
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter && isBrowser()) {
    return absent("the browser has WebGPU, but gives no adapter for this GPU", adviceWithoutAdapter(navigator?.userAgent ?? ""));
  }
  if (!adapter) return absent("the gpu that was given has no adapter", "Install a driver of the GPU for Vulkan, Metal or Direct3D 12.");
  const { vendor, architecture, description } = adapter.info;
  return {
    available: true,
    vendor,
    architecture,
    description,
    f16: adapter.features.has("shader-f16"),
    subgroups: adapter.features.has("subgroups"),
    software: adapter.info.isFallbackAdapter || architecture === "swiftshader",
  };
}

/** Throws {@link WebGPUNotAvailableError} where {@link checkWebGPU} finds no adapter. */
export async function requireWebGPU(given?: GpuLike): Promise<void> {
  const status = await checkWebGPU(given);
  if (!status.available) throw new WebGPUNotAvailableError(`WebGPU is not available: ${status.reason}. ${status.advice}`, { reason: status.reason });
}

/** Pages and workers know whether they are secure; Node and Deno have no such thing. */
function isBrowser(): boolean {
  return (globalThis as { isSecureContext?: boolean }).isSecureContext !== undefined;
}

function absent(reason: string, advice: string): WebGPUStatus {
  return { available: false, reason, advice };
}

/** Chrome and Edge on Linux keep WebGPU behind this on many GPUs, with or without `navigator.gpu`. */
const LINUX_FLAG = "start it with --enable-unsafe-webgpu or switch on chrome://flags/#enable-unsafe-webgpu";

/** Browsers that tell their whole version only where it is asked for. */
interface UserAgentData {
  getHighEntropyValues?(hints: string[]): Promise<{ fullVersionList?: { brand: string; version: string }[] }>;
}

/** Names browser and version, as exactly as it is told. */
export async function browserVersion(): Promise<string> {
  const { navigator } = globalThis as { navigator?: { userAgent?: string; userAgentData?: UserAgentData } };
  let versions: string[] = [];
  try {
    const told = await navigator?.userAgentData?.getHighEntropyValues?.(["fullVersionList"]);
    versions = (told?.fullVersionList ?? []).map(({ brand, version }) => `${brand} ${version}`);
  } catch {
    // A page's policy may forbid it: the short version has to do.
  }
  return [navigator?.userAgent ?? "", ...versions].join("; ");
}

function adviceFor(userAgent: string): string {
  if (/Firefox\//.test(userAgent)) return "Use a current Firefox; on Linux and Android switch on dom.webgpu.enabled in about:config.";
  if (isChromium(userAgent)) return `Update to Chrome or Edge 113 or newer; on Linux ${LINUX_FLAG}.`;
  if (/Safari\//.test(userAgent)) return "Update to Safari 26 (macOS 26, iOS 26) or newer.";
  return "Use a current Chrome, Edge, Safari or Firefox.";
}

function adviceWithoutAdapter(userAgent: string): string {
  if (/Firefox\//.test(userAgent)) {
    return "Look at about:support: the GPU may be blocked. Update the driver and Firefox; on Linux and Android switch on dom.webgpu.enabled in about:config.";
  }
  const blocked = "the GPU may be blocked or hardware acceleration switched off. Update the driver and the browser";
  if (isChromium(userAgent)) return `Look at chrome://gpu: ${blocked}; on Linux ${LINUX_FLAG}.`;
  return `${blocked[0]!.toUpperCase()}${blocked.slice(1)}.`;
}

function isChromium(userAgent: string): boolean {
  return /Chrome\/|Chromium\//.test(userAgent);
}
