import * as fs from "node:fs";

/** Loaded when something of it is used: that is with a file that holds the token for the credentials' endpoint. */
export default {
  get readFile() {
    return fs.promises.readFile;
  },
};
