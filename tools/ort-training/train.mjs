// Trains a folder of on-device-training artifacts in ONNX Runtime 1.19.2 (WebAssembly, one thread):
//
//   node train.mjs <folder> <batches.json> <result.json>
//
// batches.json: {"training": [feeds, ...], "evaluation": feeds}, where feeds are [{"name", "type", "dims", "data": base64}, ...] in the order
// of the model's inputs: the runtime goes by places, not by names. One update per feeds of "training". result.json: {"losses": [...],
// "parameters": base64, "evaluation": base64}, parameters in the order of the training model, frozen ones included, the first result
// of the evaluation model. The learning rate is the runtime's 0.001; this interface cannot tell it another one.
//
// <folder>/checkpoint.saved is what the runtime then saves: parameters, the optimizer's state, and a property of every kind.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CApi } from './c-api.mjs';

const arrays = { float32: Float32Array, int64: BigInt64Array };

// The package closes this entry to Node, where it runs all the same.
const dist = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
const ort = await import(pathToFileURL(join(dist, 'ort.training.wasm.mjs')).href);
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = dist + '/';
ort.env.logLevel = 'error';

const api = CApi.ofNextModule();

const bytesOf = (base64) => Uint8Array.from(Buffer.from(base64, 'base64')).buffer;
const base64Of = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
const tensorsOf = (feeds) => Object.fromEntries(feeds.map((f) => [f.name, new ort.Tensor(f.type, new arrays[f.type](bytesOf(f.data)), f.dims)]));

async function train(folder, batches) {
  const file = (name) => new Uint8Array(readFileSync(join(folder, name)));
  const session = await ort.TrainingSession.create({
    checkpointState: file('checkpoint'),
    trainModel: file('training_model.onnx'),
    evalModel: file('eval_model.onnx'),
    optimizerModel: file('optimizer_model.onnx'),
  });

  const losses = [];
  for (const feeds of batches.training) {
    const results = await session.runTrainStep(tensorsOf(feeds));
    losses.push(results[session.trainingOutputNames[0]].data[0]);
    await session.runOptimizerStep();
    await session.lazyResetGrad();
  }

  // Results of an evaluation come back under the names of the training model's outputs, in their own order.
  const evaluated = Object.values(await session.runEvalStep(tensorsOf(batches.evaluation)))[0];
  const parameters = await session.getContiguousParameters(false);

  api.addProperty(session, 'updates', 'int64', losses.length);
  api.addProperty(session, 'loss', 'float', losses.at(-1));
  api.addProperty(session, 'runtime', 'string', `ONNX Runtime ${ort.env.versions.web}`);
  writeFileSync(join(folder, 'checkpoint.saved'), api.saveCheckpoint(session));
  return { losses, parameters: base64Of(parameters.data), evaluation: base64Of(evaluated.data) };
}

// What C++ throws arrives as the address of the exception, which says nothing here; the runtime has logged its message by then.
const [folder, batches, result] = process.argv.slice(2);
train(folder, JSON.parse(readFileSync(batches, 'utf8'))).then(
  (outcome) => { writeFileSync(result, JSON.stringify(outcome)); process.exit(0); },
  (error) => { console.error(`${folder}: ${error?.message ?? error}`); process.exit(1); });
