// jax-js: jit of valueAndGrad, γ = 2 as a square, classes first.

export async function jaxJit(jax, { pixels, classes, ignore, logits, labels }) {
  await jax.init("webgpu");
  jax.defaultDevice("webgpu");
  const { numpy: np } = jax;
  const x = np.array(logits, { shape: [classes, pixels] });
  const y = np.array(Int32Array.from(labels));
  await jax.blockUntilReady([x, y]);
  const lossAndGradient = jax.jit(jax.valueAndGrad((x, y) => focal(jax, x, y, classes, ignore)));
  const compute = () => lossAndGradient(x.ref, y.ref);
  return {
    async step() {
      // Submits what is pending, does not wait for it (blockUntilReady does), and gives the array back.
      for (const output of compute()) await output.gpuBuffer();
    },
    async answer() {
      const [loss, gradient] = compute();
      return { loss: (await loss.data())[0], gradient: [await gradient.data()] };
    },
  };
}

// jax-js counts references: an operation consumes its operands, and `.ref` keeps one alive.
function focal({ nn, numpy: np }, x, y, classes, ignore) {
  const count = np.notEqual(y.ref, ignore).astype(np.float32).sum();
  const classIndex = np.arange(classes).astype(np.int32).reshape([classes, 1]);
  const isLabel = np.equal(y.reshape([1, -1]), classIndex);
  const logP = np.where(isLabel, nn.logSoftmax(x, 0), 0).sum(0); // of the label; 0 for an ignored pixel
  const q = np.subtract(1, np.exp(logP.ref));
  return np.square(q).mul(logP).sum().mul(-1).div(count);
}
