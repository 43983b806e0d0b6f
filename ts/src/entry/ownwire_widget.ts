// flowersec/ownwire/widget: the chat on a page, for bundlers. A page without one loads /js/ownwire_widget.js from its gateway.
export { defineOwnwireChat, OwnwireChatElement } from "../ownwire/widget/element.js";
export { ownwireWidget } from "../ownwire/widget/loader.js";
export type { WidgetEvent, WidgetHandle, WidgetOptions } from "../ownwire/widget/protocol.js";
export { defaultStrings, type LauncherStrings, type WidgetStrings } from "../ownwire/widget/strings.js";
