// Looks at the page as it stands and names every text that is cut off, hidden behind something or
// outside the window, and every pair of neighbours that overlap. Exempt is only what says so:
// `data-scrolls="y"` on a scroll area, `data-cut` on a text that may be shortened (its `title` must
// then hold the whole text), `data-over` on what lies over its neighbours on purpose.
() => {
  const SLACK = 1;
  const SLIVER = 4;
  const found = new Set();
  const say = (what, element, more = "") => {
    const name = element.tagName.toLowerCase() + (element.className?.baseVal ?? element.className
      ? "." + String(element.className?.baseVal ?? element.className).trim().split(/\s+/).join(".")
      : "");
    const text = (element.innerText ?? "").replace(/\s+/g, " ").trim().slice(0, 50);
    found.add(`${what}: ${name} "${text}"${more && " " + more}`);
  };
  const plain = (text) => text.replace(/\s+/g, " ").trim();
  const isDrawn = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !element.closest(".visually-hidden, .maplibregl-map, option");
  const isInline = (element) => ["inline", "contents"].includes(getComputedStyle(element).display);
  const boxOf = (element) => {
    let box = element;
    while (isInline(box) && box.parentElement) box = box.parentElement;
    return box;
  };
  const mayShorten = (element, text) => {
    const declared = element.closest("[data-cut]");
    return declared !== null && plain(declared.title).includes(plain(text));
  };
  const scrolls = (element, axis) => {
    const style = getComputedStyle(element);
    const able = ["auto", "scroll"].includes(axis === "x" ? style.overflowX : style.overflowY);
    return able && (element.dataset.scrolls ?? "").includes(axis);
  };
  const clips = (element, axis) =>
    getComputedStyle(element)[axis === "x" ? "overflowX" : "overflowY"] !== "visible";

  /** What of a rectangle is left by the boxes around it; a scroll area stands for its content. */
  const isCutOff = (rect, from) => {
    let { left, right, top, bottom } = rect;
    for (let box = from; box && box !== document.documentElement; box = box.parentElement) {
      const edge = box.getBoundingClientRect();
      if (scrolls(box, "y")) ({ top, bottom } = edge);
      else if (clips(box, "y") && (top < edge.top - SLACK || bottom > edge.bottom + SLACK)) return true;
      if (scrolls(box, "x")) ({ left, right } = edge);
      else if (clips(box, "x") && (left < edge.left - SLACK || right > edge.right + SLACK)) return true;
    }
    const page = document.documentElement;
    const free = getComputedStyle(document.body).overflowY === "visible"; // the page itself scrolls
    return left < -SLACK || right > page.clientWidth + SLACK ||
      (!free && (top < -SLACK || bottom > page.clientHeight + SLACK));
  };

  /** The middle of what the scroll areas around a text leave of it; null where they leave none. */
  const middleInSight = (rect, from) => {
    let { left, right, top, bottom } = rect;
    for (let box = from; box; box = box.parentElement) {
      if (!scrolls(box, "x") && !scrolls(box, "y")) continue;
      const edge = box.getBoundingClientRect();
      left = Math.max(left, edge.left);
      right = Math.min(right, edge.right);
      top = Math.max(top, edge.top);
      bottom = Math.min(bottom, edge.bottom);
    }
    // Boxes are drawn from whole pixels on: of a sliver the middle may be the neighbour's.
    if (right - left < SLIVER || bottom - top < SLIVER) return null;
    return [(left + right) / 2, (top + bottom) / 2];
  };

  // Texts.
  const boxes = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.trim() || !parent || !isDrawn(parent)) continue;
    if (parent.closest("script, style, select, textarea, svg")) continue;
    const box = boxOf(parent);
    boxes.set(box, [...(boxes.get(box) ?? []), node]);
  }
  const range = document.createRange();
  for (const [box, nodes] of boxes) {
    const wide = box.scrollWidth > box.clientWidth + SLACK && !scrolls(box, "x");
    const tall = box.scrollHeight > box.clientHeight + SLACK && !scrolls(box, "y");
    if ((wide || tall) && !mayShorten(box, box.textContent)) {
      say("cut off", box, `${box.scrollWidth}x${box.scrollHeight} in ${box.clientWidth}x${box.clientHeight}`);
    }
    for (const node of nodes) {
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) {
        if (!rect.width || !rect.height) continue;
        if (isCutOff(rect, box)) {
          if (!mayShorten(box, node.data)) say("outside", box, plain(node.data).slice(0, 30));
          continue;
        }
        const middle = middleInSight(rect, box);
        const hit = middle && document.elementFromPoint(...middle);
        if (hit && !box.contains(hit) && !hit.contains(box) && isDrawn(hit) &&
            !hit.closest("[data-over]")) {
          say("covered", box, `by ${hit.tagName.toLowerCase()}.${hit.className}`);
        }
      }
    }
  }
  // Fields: what stands in them and the placeholder fit on the line.
  const pen = document.createElement("canvas").getContext("2d");
  for (const field of document.querySelectorAll("input, select")) {
    if (!isDrawn(field) || ["radio", "checkbox", "hidden", "file"].includes(field.type)) continue;
    const style = getComputedStyle(field);
    const told = field.value ? "" : (field.placeholder ?? "");
    const text = field.tagName === "SELECT" ? (field.selectedOptions[0]?.text ?? "") : told;
    pen.font = getComputedStyle(field, field.value ? null : "::placeholder").font || style.font;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (pen.measureText(text).width > room + SLACK) say("cut off", field, text);
  }

  // Neighbours.
  for (const parent of [document.body, ...document.body.querySelectorAll("*")]) {
    const children = [...parent.children].filter(
      (child) => child instanceof HTMLElement && isDrawn(child) && !isInline(child) &&
        !child.closest("[data-over]"),
    );
    for (let a = 0; a < children.length; a += 1) {
      const one = children[a].getBoundingClientRect();
      for (let b = a + 1; b < children.length; b += 1) {
        const two = children[b].getBoundingClientRect();
        const across = Math.min(one.right, two.right) - Math.max(one.left, two.left);
        const down = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top);
        if (across > SLACK && down > SLACK) {
          say("overlaps", children[a], `with ${children[b].tagName.toLowerCase()}.${children[b].className}`);
        }
      }
    }
  }
  return { found: [...found], texts: boxes.size };
}
