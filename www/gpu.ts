/** Shows what the GPU is. If there is none, it says why and what to do. */

import { checkWebGPU, type DeviceInfo, type WebGPUStatus } from "tegula";
import { element, make } from "./page.js";

/** Looks for a GPU, shows what was found in the bar, and gives it. */
export async function showGpu(): Promise<WebGPUStatus> {
  const status = await checkWebGPU();
  const dot = document.querySelector<HTMLElement>("#gpu .dot");
  const state = !status.available ? "bad" : status.software ? "slow" : "good";
  if (dot) dot.dataset["state"] = state;
  // What the colour of the dot says, for who does not see it.
  element("gpu-state", HTMLSpanElement).textContent = {
    bad: "No GPU: ",
    slow: "Slow GPU: ",
    good: "GPU: ",
  }[state];
  if (!status.available) {
    element("gpu-name", HTMLSpanElement).textContent = "No WebGPU";
    showFacts([["Why", status.reason]]);
    return status;
  }
  const name =
    status.description ||
    [status.vendor, status.architecture].filter(Boolean).join(" ") ||
    "WebGPU";
  element("gpu-name", HTMLSpanElement).textContent = status.software ? `${name} (software)` : name;
  showFacts([
    ["GPU", name],
    ["16-bit floats", yes(status.f16)],
    ["Subgroups", yes(status.subgroups)],
  ]);
  return status;
}

/** Shows the device that the engine has. */
export function showDevice(device: DeviceInfo): void {
  const sizes =
    device.subgroupMinSize === device.subgroupMaxSize
      ? `${device.subgroupMinSize}`
      : `${device.subgroupMinSize} to ${device.subgroupMaxSize}`;
  showFacts([
    ["GPU", device.name || `${device.vendor} ${device.driver}`],
    ["16-bit floats", yes(device.f16)],
    ["Matrix units", yes(device.matrix)],
    ["Subgroups", device.subgroups ? `yes, ${sizes} wide` : "no"],
    ["Largest buffer", mebibytes(device.limits["maxBuffer"])],
    ["Largest binding", mebibytes(device.limits["maxStorageBinding"])],
    ["Workgroup memory", `${(device.limits["workgroupMemory"] ?? 0) / 1024} KiB`],
  ]);
}

function showFacts(facts: [string, string][]): void {
  element("gpu-facts", HTMLDListElement).replaceChildren(
    ...facts.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]),
  );
}

function yes(is: boolean): string {
  return is ? "yes" : "no";
}

function mebibytes(bytes = 0): string {
  return `${Math.round(bytes / 2 ** 20).toLocaleString("en")} MiB`;
}
