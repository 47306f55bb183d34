// How to join a class, large enough for the last row: the address to type, the code, and both as a QR code.

import { Sheet } from "./class_sheet.js";
import { count, element, setText } from "./dom.js";

/** @import { BarData } from "./class.d.ts" */

const LOCAL =
  "Only this machine can open this address. For the devices of a class, start the app with “make class”, and open the lab at the address that it prints.";

/**
 * How many have joined, in words.
 * @param {number} students
 */
export const joined = (students) =>
  students ? `${count(students)} ${students === 1 ? "has" : "have"} joined.` : "Nobody has joined yet.";

export class CodeSheet {
  /** @param {BarData} data */
  constructor(data) {
    this.sheet = new Sheet("Join the class");
    this.members = element("p", "rgl-members");
    this.members.setAttribute("role", "status");
    const picture = element("div", "rgl-qr");
    picture.innerHTML = data.qr; // drawn by the server from its own address
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", "QR code of the address");
    const words = element("div", "rgl-how-to-join");
    words.append(
      element("p", "", "Open this address, or point a camera at the QR code:"),
      element("p", "rgl-address", data.address),
      element("p", "", "The code of the class:"),
      element("p", "rgl-code", data.code),
      element("p", "", "Then press “Join the class”. A nickname is optional, and there is no account."),
      this.members,
    );
    if (data.local) words.append(element("p", "rgl-local", LOCAL));
    const row = element("div", "rgl-join-sheet");
    row.append(picture, words);
    this.sheet.body.append(row);
  }

  /** @param {number} students */
  show(students) {
    setText(this.members, joined(students));
  }
}
