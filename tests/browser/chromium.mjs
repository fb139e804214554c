/** Chromium without a window, with WebGPU on its software renderer. */

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const QUIET = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PLACES = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts it; CHROMIUM names another than the system's. Without `webgpu` it offers no adapter. `args` are further arguments. */
export function launch({ webgpu = true, args = [] } = {}) {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (!executablePath) throw new Error("there is no Chromium: install the package chromium-headless-shell, or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: [...QUIET, ...(webgpu ? ["--enable-unsafe-webgpu"] : ["--disable-features=WebGPU"]), ...args] });
}

/** Starts a whole Chromium, without a window, with an unpacked extension in it. The shell without a browser knows no extensions. */
export async function launchWithExtension(folder) {
  const executablePath = process.env.CHROMIUM ?? PLACES.slice(1).find((place) => existsSync(place));
  if (!executablePath) throw new Error("there is no Chromium: install the package chromium, or set CHROMIUM to its path");
  const extension = [`--disable-extensions-except=${folder}`, `--load-extension=${folder}`, "--disable-features=DisableLoadExtensionCommandLineSwitch"];
  return chromium.launchPersistentContext("", { executablePath, headless: false, args: ["--headless=new", ...QUIET, "--enable-unsafe-webgpu", ...extension] });
}
