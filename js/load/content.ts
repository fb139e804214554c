/**
 * Whether a file is what its name promises. Hosts answer with status 200 and something else: a
 * single-page app's HTML for any path, the pointer of Git LFS in place of a file, an error in XML.
 * Such a body must never be used as a template or a library, nor be cached.
 *
 * The content decides, because hosts often get types wrong. The type counts only if the content could
 * be anything.
 */

/** What a file should be. */
export type Kind = "json" | "manifest" | "template" | "library" | "shard";

/** What a file is instead. */
export interface Flaw {
  /** After "… answers with". */
  what: string;
  /** What to do about it. */
  advice: string;
  /** The body says, in its way, that there is no such file. */
  absent: boolean;
}

/** So much of a file is looked at; pages that begin with a longer comment are none. */
const HEAD = 64 << 10;

/** What is wrong with a file that was read whole. */
export async function flawOf(file: Blob, kind: Kind): Promise<Flaw | undefined> {
  const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  const flaw = flawOfHead(head, file.type, kind);
  if (flaw || kind === "library" || kind === "template" || kind === "shard") return flaw;
  if (kind === "json" && file.size < 4096) {
    const said = hostError(await file.text());
    if (said !== undefined) return jsonError(said);
  }
  if (kind === "manifest") return manifestFlaw(await file.text());
  const tail = (await file.slice(-64).text()).trimEnd();
  if (tail.endsWith("}")) return undefined;
  return {
    what: "JSON that ends too early",
    advice: "the file on the host is not whole: upload it again",
    absent: false,
  };
}

/** What is wrong with a file that begins so. */
export function flawOfHead(head: Uint8Array, type: string, kind: Kind): Flaw | undefined {
  if (head.length === 0)
    return { what: "an empty file", advice: "upload the file again", absent: true };
  if (
    kind === "library" &&
    head[0] === 0 &&
    head[1] === 0x61 &&
    head[2] === 0x73 &&
    head[3] === 0x6d
  )
    return undefined;
  // Two bytes are too few to tell a compressed shard from weights.
  if (kind !== "shard" && head[0] === 0x1f && head[1] === 0x8b) {
    return {
      what: "a file compressed with gzip",
      advice: "have the host send it with Content-Encoding: gzip, or upload it as it was",
      absent: false,
    };
  }
  const text = beginning(head);
  const typed = /\bhtml\b/i.test(type);
  if (
    /^<(!doctype\s+html|html|head|body)\b/i.test(text) ||
    (typed && (kind === "template" || text.startsWith("<")))
  ) {
    return {
      what: "an HTML page instead of the file",
      advice:
        "hosts of single-page apps answer every path so (a rewrite to index.html), " +
        "and login pages too; most likely the file is not there: " +
        "check the address, and have the host answer 404 for what is missing",
      absent: true,
    };
  }
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    return {
      what: "a pointer of Git LFS instead of the file",
      advice:
        "publish the file itself (`git lfs pull` before the upload; " +
        "on Hugging Face by an address with /resolve/, not /raw/)",
      absent: false,
    };
  }
  const xml = /^<Error\b[^]*?<Code>([^<]*)<\/Code>/i.exec(text);
  if (xml)
    return {
      what: `the error ${xml[1]} in XML instead of the file`,
      advice: "check that the file is there, and that anyone may read it",
      absent: true,
    };
  if ((kind === "template" || kind === "shard") && text.startsWith("{") && isJson(text)) {
    return jsonError(text.trim().slice(0, 200));
  }
  if (kind === "library") {
    const shown = /^[\x20-\x7e\s]{4}/.test(text)
      ? `it begins with ${JSON.stringify(text.slice(0, 24))}`
      : "it does not begin as one";
    return {
      what: `a file that is no WebAssembly module (${shown})`,
      advice: "make the library with `tegula compile`, and give its address",
      absent: false,
    };
  }
  if ((kind === "json" || kind === "manifest") && !text.startsWith("{")) {
    return {
      what: `a file that is no JSON object (it begins with ${JSON.stringify(text.slice(0, 24))})`,
      advice: "upload the file again",
      absent: false,
    };
  }
  return undefined;
}

/**
 * The text at the beginning of a file, without what may stand before a page: a byte order mark,
 * white space, comments, a declaration.
 */
function beginning(head: Uint8Array): string {
  const [first, second] = head;
  const encoding =
    first === 0xff && second === 0xfe
      ? "utf-16le"
      : first === 0xfe && second === 0xff
        ? "utf-16be"
        : "utf-8";
  const text = new TextDecoder(encoding).decode(head);
  return text.replace(/^(\s+|<!--[^]*?(-->|$)|<\?xml[^]*?\?>)+/i, "");
}

function jsonError(said: string): Flaw {
  return {
    what: `JSON instead of the file (${said})`,
    advice: "see what the host means by it",
    absent: true,
  };
}

/** What an API says in JSON where it has no such file; nothing if the text can be a file. */
function hostError(text: string): string | undefined {
  const fields = /^(error|errors|message|detail|status|statusCode|code|ok|success|path|timestamp)$/;
  try {
    const names = Object.keys(JSON.parse(text) as object);
    const says = names.some((name) => /^(errors?|message|detail)$/.test(name));
    return says && names.every((name) => fields.test(name)) ? text.trim().slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function manifestFlaw(text: string): Flaw | undefined {
  const advice = "upload the file again, or make the package again with `tegula convert`";
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    const early = !/\}\s*$/.test(text);
    return {
      what: early
        ? "JSON that ends too early"
        : `text that is no JSON (${(error as Error).message})`,
      advice,
      absent: false,
    };
  }
  const { records, error } = manifest as { records?: unknown; error?: unknown };
  if (Array.isArray(records)) return undefined;
  const said = error === undefined ? "" : `: it says ${JSON.stringify(error).slice(0, 200)}`;
  return { what: `JSON that lists no shards (records)${said}`, advice, absent: false };
}
