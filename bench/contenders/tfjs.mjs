// tfjs, γ = 2, in two ways. By hand: the gradient in closed form, gathered and scattered at the labels, the fastest way
// found in its operations. And its own gradient of the loss as one would write it down, with one-hot labels. Classes last,
// the only layout that its softmax and gathers know.

import { transpose } from "../data.mjs";

export const tfjsByHand = (tf, data) => open(tf, data, focalByHand);
export const tfjsAutomatic = (tf, data) => open(tf, data, focal);

async function open(tf, { pixels, classes, ignore, logits, labels }, focal) {
  await tf.setBackend("webgpu");
  tf.env().set("WEBGPU_CPU_FORWARD", false); // small tensors stay on the GPU too
  const x = tf.tensor2d(transpose(logits, classes, pixels), [pixels, classes]);
  const y = tf.tensor1d(Int32Array.from(labels), "int32");
  const compute = () => tf.tidy(() => tf.valueAndGrad(focal(tf, y, ignore, classes))(x));
  return {
    step() {
      const { value, grad } = compute();
      const { tensorRef } = value.dataToGPU(); // submits what is pending and, unlike data(), does not wait for it
      tf.dispose([value, grad, tensorRef]);
    },
    async answer() {
      const { value, grad } = compute();
      const loss = (await value.data())[0];
      const gradient = transpose(await grad.data(), pixels, classes);
      tf.dispose([value, grad]);
      return { loss, gradient: [gradient] };
    },
  };
}

/** −(1 − p)² log p of the label. */
function focal(tf, y, ignore, classes) {
  const isValid = tf.notEqual(y, ignore);
  const valid = tf.cast(isValid, "float32");
  const isLabel = tf.oneHot(tf.where(isValid, y, tf.zerosLike(y)), classes);
  return (x) => {
    const logP = tf.sum(tf.mul(tf.logSoftmax(x), isLabel), -1);
    const losses = tf.mul(tf.square(tf.sub(1, tf.exp(logP))), logP);
    return tf.div(tf.sum(tf.mul(losses, valid)), tf.neg(tf.sum(valid)));
  };
}

/** dL/dx_k = q · (q − 2 p log p) · (p_k − [k is the label]) / count for valid pixels, where q = 1 − p. */
function focalByHand(tf, y, ignore) {
  const isValid = tf.notEqual(y, ignore);
  const valid = tf.cast(isValid, "float32");
  const count = tf.sum(valid);
  const label = tf.where(isValid, y, tf.zerosLike(y));
  const atLabel = tf.stack([tf.range(0, y.size, 1, "int32"), label], 1);
  return tf.customGrad((x, save) => {
    const peak = tf.max(x, -1, true);
    const exps = tf.exp(tf.sub(x, peak));
    const mass = tf.sum(exps, -1, true);
    const logP = tf.sub(tf.gatherND(x, atLabel), tf.squeeze(tf.add(peak, tf.log(mass)), [1]));
    const p = tf.exp(logP);
    const q = tf.sub(1, p);
    save([exps, mass, logP, p, q]);
    return {
      value: tf.div(tf.sum(tf.mul(tf.mul(valid, tf.square(q)), logP)), tf.neg(count)),
      gradFunc: (upstream, [exps, mass, logP, p, q]) => {
        const slope = tf.mul(q, tf.sub(q, tf.mul(2, tf.mul(p, logP))));
        const scaled = tf.mul(tf.mul(slope, valid), tf.div(upstream, count));
        const others = tf.mul(exps, tf.div(tf.expandDims(scaled, 1), mass));
        return tf.tensorScatterUpdate(others, atLabel, tf.neg(tf.mul(scaled, q)));
      },
    };
  });
}
