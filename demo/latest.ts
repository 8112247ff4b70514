// The latest value wins: one piece of work at a time, and of the values that come meanwhile only the last is kept.

/** A function that hands `work` its newest argument as soon as the work before is done. Failures go to `onError`. */
export function latest<Value>(
  work: (value: Value) => Promise<void>,
  onError: (error: unknown) => void,
): (value: Value) => void {
  let waiting: { value: Value } | undefined;
  let isBusy = false;
  const run = async () => {
    isBusy = true;
    while (waiting) {
      const { value } = waiting;
      waiting = undefined;
      try {
        await work(value);
      } catch (error) {
        onError(error);
      }
    }
    isBusy = false;
  };
  return (value) => {
    waiting = { value };
    if (!isBusy) void run();
  };
}
