// What the layers above use of identity, and its door shows. The compatible mode also uses legacy.ts, Node's programs node/file.ts.
export { formatAddress, parseAddress, parseRegistryUrl, type Address } from "./address.js";
export { CallPsk, invitationSecretBytes, type CallDerivation } from "./call_psk.js";
export { Contacts, isValidName, maxContacts, maxNameBytes, type Acquaintance, type Contact, type ContactPolicy } from "./contacts.js";
export { IdentityError, type IdentityErrorCode } from "./error.js";
export { EphemeralKey, Identity } from "./identity.js";
export {
  invitationFragment, invitationLifetimeS, invitationNote, makeInvitation, maxLinkBytes, maxOpenInvitations, OpenInvitations, parseInvitation,
  type Invitation, type OpenInvitation,
} from "./invitation.js";
export { keyBytes, pairFingerprint, PublicKey } from "./public_key.js";
export { challengeBytes, findWork, isWork, maxWorkBits, proveRegistration, verifyRegistration, workNonceBytes } from "./registration.js";
export {
  defaultPasswordCost, exportIdentityText, importIdentityText, importStoredIdentity, maxIdentityFileBytes, type StoredIdentity,
} from "./store.js";
export type { PasswordCost } from "../crypto/noble/password.js";
