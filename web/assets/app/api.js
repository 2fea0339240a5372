// The few requests that go over HTTP: what the hub is, signing in and out, invites, links to other devices.

/** A refusal, with the protocol's code. */
export class Refused extends Error {
  /** @param {string} code @param {string} text @param {number} status @param {number} [wait] seconds to wait, if told */
  constructor(code, text, status, wait) {
    super(text);
    this.code = code;
    this.status = status;
    this.wait = wait;
  }
}

/**
 * Asks the hub. Throws `Refused`; its code is `offline` where no answer came.
 * @param {string} method @param {string} path below `/api/v1/` @param {any} [body]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (cause) {
    throw new Refused("offline", String(cause), 0);
  }
  if (answer.status === 204) return null;
  const value = await answer.json().catch(() => null);
  if (answer.ok) return value;
  const code = value?.code ?? (answer.status === 404 ? "not-found" : "internal");
  const wait = Number(answer.headers.get("retry-after")) || undefined;
  throw new Refused(code, value?.detail ?? value?.title ?? "", answer.status, wait);
}
