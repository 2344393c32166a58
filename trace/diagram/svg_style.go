package diagram

// style is the style sheet of every drawing. The colours are those of M. Okabe and K. Ito, "Color Universal Design" (2008):
// bluish green for local events, blue for sends, orange for receives, vermilion for findings. Explicit classes rather than
// variables, which printing programs do not know; the scheme of paper is light.
const style = `<style>
text{font-family:Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif;font-size:11px;fill:#222}
.paper{fill:#fff}
.head{font-size:15px;font-weight:bold}
.lane{font-size:12px;font-weight:bold}
.axis,.foot{font-size:10px;fill:#555}
.num{font-weight:bold}
.word,.num,.say,.soft{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.say{font-size:10px;fill:#222}
.soft{font-size:10px;fill:#555;font-style:italic}
.grid{stroke:#e6e6e6;stroke-width:1}
.fold{fill:#f3f3f3}
.life{stroke:#777;stroke-width:1.5;fill:none}
.gap{stroke-dasharray:2 4}
.nolog{stroke-dasharray:7 4}
.end{stroke:#555;stroke-width:2}
.m{stroke:#444;stroke-width:1.3;fill:none;stroke-linecap:round;stroke-linejoin:round}
.minor{stroke:#888;stroke-width:1}
.dash{stroke-dasharray:5 4}
.dot{stroke-dasharray:1.5 3}
.dim{opacity:.42}
.lit{stroke:#0072b2;stroke-width:2.8}
.bad{stroke:#d55e00;stroke-width:2.4}
.link{stroke:#d55e00;stroke-width:1.6;stroke-dasharray:2 4;fill:none;stroke-linecap:round}
.n{stroke:#222;stroke-width:1}
.l{fill:#009e73}.s{fill:#0072b2}.r{fill:#e69f00}
.hollow{fill:#fff;stroke:#999}
.ring{fill:none;stroke:#d55e00;stroke-width:2}
.halo{fill:none;stroke:#0072b2;stroke-width:2}
.badge{fill:#b34a00}
.badgetext{font-size:9.5px;font-weight:bold;fill:#fff}
.tear{fill:none;stroke:#d55e00;stroke-width:1.8;stroke-linejoin:round}
.hide{stroke:#fff;stroke-width:5}
@media screen and (prefers-color-scheme:dark){
text{fill:#e8e8e8}.paper{fill:#15181d}.axis,.foot,.soft{fill:#a9b0b8}.say{fill:#e8e8e8}
.word,.num,.say,.soft,.hide{stroke:#15181d}.grid{stroke:#2a2f36}.fold{fill:#20252b}
.life,.end{stroke:#8b939c}.m{stroke:#c9ced4}.minor{stroke:#7f8790}.lit,.halo{stroke:#56b4e9}
.n{stroke:#f2f2f2}.l{fill:#00b183}.s{fill:#56b4e9}.hollow{fill:#15181d;stroke:#777}
.bad,.link,.ring,.tear{stroke:#f0803c}.badge{fill:#b34a00}.badgetext{fill:#fff}
}
</style>
`
