// A hook of Node's loader: files of tfjs-core import each other without an extension, as only bundlers understand.

export function resolve(specifier, context, next) {
  const isTheirs = context.parentURL?.includes("/@tensorflow/tfjs-core/dist/");
  const lacksOne = specifier.startsWith(".") && !specifier.endsWith(".js");
  return next(isTheirs && lacksOne ? `${specifier}.js` : specifier, context);
}
