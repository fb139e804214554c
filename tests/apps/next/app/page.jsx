/** A page that is rendered on the server first, and asks in the browser. */

"use client";

import { useEffect } from "react";
import { createEngine } from "tegula";
import { show } from "../../ask.js";

export default function Page() {
  useEffect(() => void show(createEngine), []);
  return <p>Asking.</p>;
}
