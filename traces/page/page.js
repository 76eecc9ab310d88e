"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const stage = by("stage"), wires = stage.querySelector(".wires"), scrub = by("scrub");
  const scenes = [...document.querySelectorAll(".scene")];
  const buttons = [...document.querySelectorAll(".list button")];
  const boxes = new Map([...stage.querySelectorAll("[data-id]")].map((box) => [box.dataset.id, box]));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const last = data.steps.length - 1;
  let now = 0, timer = 0;
  document.documentElement.classList.add("js");

  const make = (name, attributes, text) => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    if (text !== undefined) made.textContent = text;
    return made;
  };

  /* Where the line between the middles of two boxes leaves the first. */
  const edge = (box, other) => {
    const s = stage.getBoundingClientRect(), a = box.getBoundingClientRect(), b = other.getBoundingClientRect();
    const inside = (value, low, high) => Math.min(Math.max(value, low), high);
    const cx = (a.left + a.right) / 2, cy = (a.top + a.bottom) / 2, ox = (b.left + b.right) / 2, oy = (b.top + b.bottom) / 2;
    /* A wide box is left straight up, down or sideways, beside the other one. */
    if (b.bottom < a.top || b.top > a.bottom) {
      return [inside(ox, a.left + 12, a.right - 12) - s.left, (b.bottom < a.top ? a.top : a.bottom) - s.top, cy];
    }
    return [(ox < cx ? a.left : a.right) - s.left, inside(oy, a.top + 6, a.bottom - 6) - s.top, cx];
  };

  const draw = (route, text, travels) => {
    const stops = route.map((id) => boxes.get(id)).filter(Boolean);
    const points = [];
    for (let i = 1; i < stops.length; i += 1) {
      const from = edge(stops[i - 1], stops[i]), to = edge(stops[i], stops[i - 1]);
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("class", "wire");
      line.setAttribute("d", `M${from[0]} ${from[1]}L${to[0]} ${to[1]}`);
      wires.append(line);
      points.push(from, to);
    }
    stops.forEach((stop) => stop.classList.add("passed"));
    if (!travels || still.matches || points.length === 0) return;
    const message = make("span", { class: "message", "aria-hidden": "true" }, text);
    stage.append(message);
    const half = message.offsetWidth / 2 + 6, width = stage.clientWidth;
    const frames = points.map(([x, y]) => ({ transform: `translate(${Math.min(Math.max(x, half), width - half)}px, ${y}px)` }));
    message.animate(frames, { duration: 700 + 450 * stops.length, easing: "ease-in-out", fill: "forwards" })
      .finished.then(() => message.animate([{ opacity: 1 }, { opacity: 0 }], { duration: 500, fill: "forwards" }).finished)
      .then(() => message.remove(), () => {});
  };

  const pods = (step) => {
    stage.querySelectorAll(".pods").forEach((list) => list.replaceChildren());
    step.pods.forEach(([name, node, state, mark]) => {
      const list = boxes.get(node ? `pods:${node}` : "pods:");
      const item = make("li", { class: `${state} ${mark}` }, name);
      item.append(make("i", {}, ` ${state}`));
      if (list) list.append(item);
    });
    const waiting = boxes.get("node:");
    if (waiting) waiting.classList.toggle("none", !step.pods.some(([, node]) => !node));
  };

  const objects = (number) => {
    const opened = new Set([...by("objects").querySelectorAll("details[open]")].map((one) => one.dataset.ref));
    const shown = data.objects.flatMap(({ ref, versions }) => {
      const version = versions.filter(([since]) => since <= number).at(-1);
      if (!version || version[1] === "") return [];
      const one = make("details", { "data-ref": ref, class: version[0] === number && number ? "changed" : "" });
      const title = make("summary", {}, ref);
      if (version[2]) title.append(make("small", {}, version[2]));
      one.append(title, make("pre", { tabindex: "0", "aria-label": ref }, version[1]));
      one.open = opened.has(ref);
      return [one];
    });
    by("objects").replaceChildren(...shown);
  };

  const show = (number, travels) => {
    now = number;
    const step = data.steps[number];
    scrub.value = number;
    scrub.setAttribute("aria-valuetext", step.says);
    scenes.forEach((scene, index) => { scene.hidden = index !== number; });
    buttons.forEach((button, index) => {
      if (index === number) button.setAttribute("aria-current", "step"); else button.removeAttribute("aria-current");
    });
    const list = buttons[number].closest(".list");
    if (list.scrollHeight > list.clientHeight) {
      list.scrollTop = buttons[number].offsetTop - list.clientHeight / 2;
    }
    stage.className = `stage ${step.tone}${step.broken ? " broken" : ""}`;
    stage.querySelectorAll(".message").forEach((one) => one.remove());
    wires.querySelectorAll(".wire").forEach((one) => one.remove());
    boxes.forEach((box, id) => {
      box.classList.remove("lit", "passed", "old", "blamed");
      const note = box.querySelector("small");
      if (note) note.textContent = step.notes[id] || "";
      if (note && step.notes[id] && id !== "etcd") box.classList.add("old");
    });
    pods(step);
    boxes.get(step.who)?.classList.add("lit");
    step.blamed.forEach((id) => boxes.get(id)?.classList.add("blamed"));
    step.routes.forEach((route) => draw(route, step.message, travels));
    objects(number);
    by("now").textContent = step.says;
    by("back").disabled = number === 0;
    by("on").disabled = number === last && data.cycle === null;
    history.replaceState(null, "", number ? `#step-${number}` : "#");
  };

  /* After the last step of a lasso comes the first of the part that repeats. */
  const next = () => (now < last ? now + 1 : data.cycle);
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    by("play").textContent = "Play";
    by("play").setAttribute("aria-pressed", "false");
  };
  const go = (number) => { stop(); if (number !== null) show(Math.min(Math.max(number, 0), last), number > now); };
  const tick = () => {
    const to = next();
    if (to === null) { stop(); return; }
    show(to, true);
    timer = setTimeout(tick, 2600);
  };
  const play = () => {
    if (timer) { stop(); return; }
    by("play").textContent = "Pause";
    by("play").setAttribute("aria-pressed", "true");
    if (next() === null) show(0, false);
    timer = setTimeout(tick, 300);
  };

  scrub.addEventListener("input", () => go(Number(scrub.value)));
  by("back").addEventListener("click", () => go(now - 1));
  by("on").addEventListener("click", () => go(next()));
  by("play").addEventListener("click", play);
  buttons.forEach((button, index) => button.addEventListener("click", () => go(index)));
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.altKey || event.ctrlKey || event.metaKey || at.closest("pre")) return;
    const to = { ArrowRight: next(), ArrowLeft: now - 1, Home: 0, End: last }[event.key];
    if (to !== undefined && at !== scrub) { event.preventDefault(); go(to); }
    if (event.key === " " && !at.closest("button, summary, a")) { event.preventDefault(); play(); }
  });
  addEventListener("resize", () => show(now, false));
  const linked = () => /^#step-(\d+)$/.exec(location.hash)?.[1];
  addEventListener("hashchange", () => { if (linked()) go(Number(linked())); });
  show(Math.min(Number(linked() || 0), last), false);
})();
