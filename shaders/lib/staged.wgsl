// Logits and gradient by way of workgroup memory, for channels last on real GPUs: the logits of a pixel lie together, so
// threads side by side would read and write CLASSES elements apart. All threads copy those of the workgroup's pixels, in
// the order they are stored in; each computes on its own pixel's, the gradient in the place of the logits.

// Odd: at the same class, neighbours are in different banks.
const ROW = CLASSES | 1u;

var<workgroup> stage: array<u32, WORKGROUP_SIZE * ROW>;

var<private> row: u32;              // of this thread
var<private> logits_of_row: u32;    // the element of its class 0
var<private> gradient_of_row: u32;

// `first`: the pixel of lane 0; pixels from `end` on are others'. Called by all threads, as is end_group.
fn begin_group(first: u32, end: u32, lane: u32) {
  let count = (clamp(end, first, first + WORKGROUP_SIZE) - first) * CLASSES;
  let origin = problem.logits_offset + first * CLASSES;
  for (var k = 0u; k < CLASSES; k++) {
    let i = k * WORKGROUP_SIZE + lane;
    if i < count {
      stage[i / CLASSES * ROW + i % CLASSES] = stored_logits_at(origin + i);
    }
  }
  workgroupBarrier();
  row = lane * ROW;
  logits_of_row = origin + lane * CLASSES;
  gradient_of_row = problem.grad_logits_offset + (first + lane) * CLASSES;
}

fn logits_at(element: u32) -> Bits {
  return stage[row + element - logits_of_row];
}

fn put_gradient(element: u32, value: Floats) {
  stage[row + element - gradient_of_row] = bitcast<u32>(value);
}

// A thread reads here what it writes in the next begin_group.
fn end_group(first: u32, end: u32, lane: u32) {
  workgroupBarrier();
  if WRITE_GRADIENT {
    let count = (clamp(end, first, first + WORKGROUP_SIZE) - first) * CLASSES;
    let destination = problem.grad_logits_offset + first * CLASSES;
    for (var k = 0u; k < CLASSES; k++) {
      let i = k * WORKGROUP_SIZE + lane;
      if i < count {
        let value = bitcast<f32>(stage[i / CLASSES * ROW + i % CLASSES]);
        if ACCUMULATE {
          store_gradient(destination + i, bitcast<f32>(gradient_bits_at(destination + i)) + value);
        } else {
          store_gradient(destination + i, value);
        }
      }
    }
  }
}
