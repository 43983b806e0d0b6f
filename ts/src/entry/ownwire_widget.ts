// flowersec/ownwire/widget: the chat as an element of a page, for those who bundle.
export { defineOwnwireChat, OwnwireChatElement } from "../ownwire/widget/element.js";
export { defaultStrings, type LauncherStrings, type WidgetStrings } from "../ownwire/widget/strings.js";
