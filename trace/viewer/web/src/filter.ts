import type { App } from "./app";
import { button, byId, el } from "./dom";

/** Makes the choice of processes work. */
export function wireFilter(app: App): void {
  const box = byId("filter"), toggle = byId("processes");
  let boxes: { input: HTMLInputElement; role?: string }[] = [];
  const read = () => {
    const only = boxes.flatMap((b, p) => (b.input.checked ? [p] : []));
    app.restrict(only.length === 0 ? null : only);
  };
  const write = () => {
    const only = app.state.only;
    boxes.forEach((b, p) => (b.input.checked = !only || only.includes(p)));
    toggle.textContent = only ? `Processes (${only.length} of ${boxes.length})` : "Processes";
  };
  const just = (fits: (role: string | undefined) => boolean) => () => {
    boxes.forEach((b) => (b.input.checked = fits(b.role)));
    read();
  };
  const build = () => {
    const { lanes } = app.state.all, roles = [...new Set(lanes.map((l) => l.role).filter((r) => r !== undefined))];
    boxes = lanes.map((l, p) => ({ input: el("input", { type: "checkbox", value: String(p) }), role: l.role }));
    box.replaceChildren(
      el("p", {}, button("All", just(() => true)), " ",
        ...roles.flatMap((r) => [button(`Only ${r === "branch" ? "branches" : r + "s"}`, just((role) => role === r)), " "])),
      ...boxes.map((b, p) => el("label", {}, b.input, ` ${lanes[p].name}`)));
    write();
  };
  box.addEventListener("change", read);
  toggle.addEventListener("click", () => {
    box.hidden = !box.hidden;
    toggle.setAttribute("aria-expanded", String(!box.hidden));
    app.resize();
  });
  app.changed.push((what) => {
    if (what === "rows") write();
    if (what === "grown" && boxes.length !== app.state.all.lanes.length) build();
  });
  build();
}
