// What the runtime's C interface can do and its JavaScript interface leaves out: saving a checkpoint, with the optimizer's state and properties. The C++ that a phone
// runs for it is in the WebAssembly module too, in reach through the tables of functions that the C interface consists of; only a file system is missing, and is lent here.
//
// Entries of those tables are those of onnxruntime_c_api.h and onnxruntime_training_c_api.h. The rest is known of one build alone, which package-lock.json pins by its hash.

const ortApi = { getErrorMessage: 2, getTrainingApi: 219 };
const ortTrainingApi = { saveCheckpoint: 1, addProperty: 27 };
const build = {
  apiVersion: 19,
  pointerToOrtApi: 900720, // what _OrtTrainingLoadCheckpoint reads first
  imports: { memory: 'a', openat: 'o', fdWrite: 'm' },
  exports: { malloc: 'Pa', free: 'Qa', functions: 'Sa' },
};
const kinds = { int64: 0, float: 1, string: 2 };

// Descriptors that the module knows nothing of.
const firstDescriptor = 1000;

export class CApi {
  #memory;
  #exports;
  #files = [];

  /** The C interface of the module that is instantiated next; ask before the first session is created, and use it afterwards. */
  static ofNextModule() {
    const api = new CApi();
    const instantiate = WebAssembly.instantiate;
    WebAssembly.instantiate = async (bytes, imports) => {
      const memory = imports?.a?.[build.imports.memory];
      if (!(memory instanceof WebAssembly.Memory)) {
        return instantiate(bytes, imports); // Node's own
      }

      WebAssembly.instantiate = instantiate;
      api.#memory = memory;
      const result = await instantiate(bytes, { a: { ...imports.a, ...api.#lentFileSystem(imports.a) } });
      api.#exports = result.instance.exports;
      return result;
    };
    return api;
  }

  /** Stores a value along with every checkpoint of a session that is saved from now on. */
  addProperty(session, name, kind, value) {
    const write = {
      int64: () => this.#withMemory(8, (at) => { this.#view.setBigInt64(at, BigInt(value), true); return add(at); }),
      float: () => this.#withMemory(4, (at) => { this.#view.setFloat32(at, value, true); return add(at); }),
      string: () => this.#withText(value, (at) => add(at)),
    };
    const add = (at) => this.#withText(name, (nameAt) => this.#training(ortTrainingApi.addProperty)(session.handler.checkpointId, nameAt, kinds[kind], at));
    this.#check(write[kind]());
  }

  /** The file that the runtime writes for a session, optimizer's state included. */
  saveCheckpoint(session) {
    const file = { name: 'checkpoint', chunks: [] };
    this.#files.push(file);
    this.#check(this.#withText(file.name, (at) => this.#training(ortTrainingApi.saveCheckpoint)(session.handler.checkpointId, at, true)));
    return Buffer.concat(file.chunks);
  }

  // Writing is all that is asked of a file.
  #lentFileSystem({ [build.imports.openat]: openat, [build.imports.fdWrite]: fdWrite }) {
    return {
      [build.imports.openat]: (folder, path, ...rest) => {
        const index = this.#files.findLastIndex((file) => file.name === this.#textAt(path));
        return index >= 0 ? firstDescriptor + index : openat(folder, path, ...rest);
      },
      [build.imports.fdWrite]: (descriptor, pieces, count, writtenAt) => {
        const file = this.#files[descriptor - firstDescriptor];
        if (file === undefined) {
          return fdWrite(descriptor, pieces, count, writtenAt);
        }

        const chunks = Array.from({ length: count }, (_, i) => this.#bytes(this.#word(pieces + 8 * i), this.#word(pieces + 8 * i + 4)));
        file.chunks.push(...chunks);
        this.#view.setUint32(writtenAt, chunks.reduce((sum, chunk) => sum + chunk.length, 0), true);
        return 0;
      },
    };
  }

  #check(status) {
    if (status !== 0) {
      throw new Error(this.#textAt(this.#function(this.#word(build.pointerToOrtApi), ortApi.getErrorMessage)(status)));
    }
  }

  #training(entry) {
    return this.#function(this.#function(this.#word(build.pointerToOrtApi), ortApi.getTrainingApi)(build.apiVersion), entry);
  }

  #function(table, entry) {
    return this.#exports[build.exports.functions].get(this.#word(table + 4 * entry));
  }

  #withText(text, use) {
    const bytes = Buffer.from(`${text}\0`);
    return this.#withMemory(bytes.length, (at) => {
      new Uint8Array(this.#memory.buffer).set(bytes, at);
      return use(at);
    });
  }

  #withMemory(size, use) {
    const at = this.#exports[build.exports.malloc](size);
    try {
      return use(at);
    } finally {
      this.#exports[build.exports.free](at);
    }
  }

  #textAt(at) {
    return this.#bytes(at, new Uint8Array(this.#memory.buffer).indexOf(0, at) - at).toString();
  }

  /** A copy, as the memory is the runtime's and may move. */
  #bytes(at, length) {
    return Buffer.from(new Uint8Array(this.#memory.buffer, at, length));
  }

  #word(at) {
    return this.#view.getUint32(at, true);
  }

  get #view() {
    return new DataView(this.#memory.buffer);
  }
}
