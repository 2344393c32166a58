/** The colours of the picture, from the style sheet: those of Okabe and Ito, so that they can be told apart by nearly everybody. */
export interface Theme {
  ink: string;
  dim: string;
  faint: string;
  paper: string;
  past: string;
  future: string;
  path: string;
  wrong: string;
  pinned: string;
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: of("ink"), dim: of("dim"), faint: of("faint"), paper: of("paper"), past: of("past"), future: of("future"),
    path: of("path"), wrong: of("wrong"), pinned: of("pinned"),
  };
}

/** Calls do when the colours change: light, dark, paper. */
export function onThemeChange(change: () => void): void {
  for (const q of ["(prefers-color-scheme: dark)", "print", "(forced-colors: active)"]) matchMedia(q).addEventListener("change", change);
}
