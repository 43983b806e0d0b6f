// The stylesheet of launcher and frame box, in the loader's shadow root. A page changes the launcher with ::part(launcher).
// Layer ownwire.

/** Below 480 px in either direction the chat takes the whole window: phones, and pages at 200 % zoom. */
export const launcherStyle = `
:host{all:initial;font:600 15px/1.3 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
:host>*,button *{box-sizing:border-box}
[hidden]{display:none!important}
button,p,iframe{position:fixed;z-index:2147483000;inset-block-end:20px;inset-inline-end:20px;max-width:calc(100vw - 40px)}
button{display:flex;align-items:center;gap:10px;margin:0;border:0;padding:0;font:inherit;color:#fff;background:#4548c4;cursor:pointer;box-shadow:0 6px 24px #0005,0 1px 3px #0004;transition:transform .15s,box-shadow .15s}
button:hover{transform:translateY(-2px);box-shadow:0 10px 30px #0006,0 1px 3px #0004}
button:focus-visible{outline:3px solid #fff;outline-offset:-5px;box-shadow:0 0 0 3px #14161c}
:host(.bar) button{min-width:220px;height:52px;padding-inline:14px 20px;border-radius:26px}
:host(.icon) button{width:60px;height:60px;justify-content:center;border-radius:50%}
:host(.icon) span{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
i{flex:none;width:30px;height:30px;display:grid;place-items:center}
:host(.icon) i:not(:empty){width:36px;height:36px}
i:empty{width:26px;height:21px;border-radius:6px 6px 6px 0;background:currentColor}
img{width:100%;height:100%;object-fit:contain}
b{flex:none;min-width:22px;padding:2px 6px;border-radius:11px;font-size:13px;text-align:center;color:#fff;background:#c62338;margin-inline-start:auto}
:host(.icon) b{position:absolute;inset-block-start:-4px;inset-inline-end:-4px}
p:empty{display:none}
p{inset-block-end:84px;margin:0;padding:10px 14px;border-radius:10px;font-weight:400;color:#fff;background:#8f1d2c}
iframe{width:384px;height:min(640px,calc(100vh - 40px));height:min(640px,calc(100dvh - 40px));border:0;border-radius:18px;background:#15171c;box-shadow:0 18px 60px #0007,0 2px 8px #0004;visibility:hidden;opacity:0;transform:translateY(14px) scale(.98);transition:opacity .18s,transform .18s,visibility .18s}
:host([data-theme=light]) iframe{background:#fff}
:host([open]) iframe{visibility:visible;opacity:1;transform:none}
:host([open]) button{display:none}
@media(prefers-color-scheme:light){:host([data-theme=auto]) iframe{background:#fff}}
@media(max-width:480px),(max-height:480px){iframe{inset:0;width:100%;height:100%;max-width:none;border-radius:0}}
@media(prefers-reduced-motion:reduce){button,iframe{transition:none}button:hover{transform:none}}
@media(forced-colors:active){button{border:2px solid}}
@media print{:host{display:none}}
`.replace(/\n/g, "");
