// A folder that is dropped on a page: its files are sent with the names of the folders that they were in, as they are
// where a folder is chosen. What class a text is of often stands there alone.

/**
 * Return the path of a dropped file inside of what was dropped, '' for one that was dropped by itself.
 * @param {unknown} path what the page's uploader has noted about it: '/texts/good/1.txt' or './1.txt'
 */
export function insideOf(path) {
  const parts = typeof path === "string" ? path.split("/").filter((part) => part && part !== ".") : [];
  return parts.length > 1 ? parts.join("/") : "";
}

let kept = false;

/** Let dropped files say in which folders they were; the uploader asks each one for that when it sends it. */
export function keepFolders() {
  const property = kept ? undefined : Object.getOwnPropertyDescriptor(File.prototype, "webkitRelativePath");
  const own = property?.get;
  if (!property || !own) return;
  kept = true;
  Object.defineProperty(File.prototype, "webkitRelativePath", {
    ...property,
    get() {
      return own.call(this) || insideOf(this.relativePath);
    },
  });
}
