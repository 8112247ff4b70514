// The libraries of the peers, as far as the benchmark's own package is installed: npm --prefix bench ci.

/** Names what there is without loading it. */
const FILES = import.meta.glob(
  [
    "../../bench/node_modules/@jax-js/jax/dist/index.js",
    "../../bench/node_modules/@tensorflow/tfjs-core/dist/index.js",
    "../../bench/node_modules/@tensorflow/tfjs-core/dist/register_all_gradients.js",
    "../../bench/node_modules/@tensorflow/tfjs-backend-webgpu/dist/index.js",
  ],
  { exhaustive: true },
);

const load = (file: string) => FILES[`../../bench/node_modules/${file}`]!();

/** By the name that a peer asks for. They look for navigator.gpu as they load, so they load late. */
export const libraries: Record<string, () => Promise<unknown>> =
  Object.keys(FILES).length === 0
    ? {}
    : {
        "jax-js": () => load("@jax-js/jax/dist/index.js"),
        async tfjs() {
          const tf = await load("@tensorflow/tfjs-core/dist/index.js");
          await load("@tensorflow/tfjs-backend-webgpu/dist/index.js");
          await load("@tensorflow/tfjs-core/dist/register_all_gradients.js");
          return tf;
        },
      };
