import type { App } from "./app";
import { button, byId, el } from "./dom";

/** Makes the choice of processes work. */
export function wireFilter(app: App): void {
  const box = byId("filter"), toggle = byId("processes"), all = app.state.all.lanes;
  const boxes = all.map((lane, p) => {
    const input = el("input", { type: "checkbox", value: String(p) });
    return { input, label: el("label", {}, input, ` ${lane.name}`), lane };
  });
  const read = () => {
    const only = boxes.flatMap((b, p) => (b.input.checked ? [p] : []));
    app.restrict(only.length === 0 ? null : only);
  };
  const write = () => {
    const only = app.state.only;
    boxes.forEach((b, p) => (b.input.checked = !only || only.includes(p)));
    toggle.textContent = only ? `Processes (${only.length} of ${all.length})` : "Processes";
  };
  const just = (fits: (role: string | undefined) => boolean) => () => {
    boxes.forEach((b) => (b.input.checked = fits(b.lane.role)));
    read();
  };
  const roles = [...new Set(all.map((l) => l.role).filter((r) => r !== undefined))];
  box.replaceChildren(
    el("p", {}, button("All", just(() => true)), " ",
      ...roles.flatMap((r) => [button(`Only ${r === "branch" ? "branches" : r + "s"}`, just((role) => role === r)), " "])),
    ...boxes.map((b) => b.label));
  box.addEventListener("change", read);
  toggle.addEventListener("click", () => {
    box.hidden = !box.hidden;
    toggle.setAttribute("aria-expanded", String(!box.hidden));
    app.resize();
  });
  app.changed.push((what) => {
    if (what === "rows") write();
  });
  write();
}
