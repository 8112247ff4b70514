// The libraries of the peers in Node. They look for navigator.gpu as they load, so they load late.

import { register } from "node:module";

export const libraries = {
  "jax-js": () => import("@jax-js/jax"),
  async tfjs() {
    register("./extensions.mjs", import.meta.url);
    const tf = await import("@tensorflow/tfjs-core");
    await import("@tensorflow/tfjs-backend-webgpu");
    await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
    return tf;
  },
};
