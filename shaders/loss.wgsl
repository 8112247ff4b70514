// Loss: logits and labels to the gradient, the maps and the partial sums.
// One thread takes GROUPS_PER_THREAD groups of LANES pixels, WORKGROUP_SIZE groups apart.
// Joined with a softmax: softmax_kept or softmax_online, which know how a pixel's logits are read and written.

@group(0) @binding(4) var<storage, read> logits: array<Bits>;               // [batch, classes, ...spatial]
@group(0) @binding(5) var<storage, read> grad_output: array<Pixels>;        // [batch, ...spatial], or ones
@group(0) @binding(6) var<storage, read_write> grad_logits: array<Pixels>;  // [batch, classes, ...spatial]
@group(0) @binding(7) var<storage, read_write> loss_map: array<Bits>;       // [batch, ...spatial], bits of f32
@group(0) @binding(8) var<storage, read_write> argmax_map: array<Bits>;     // [batch, ...spatial], i32

// The prediction where a logit is NaN or +inf: −1.
const NO_CLASS = 0xffffffffu;

// −inf is a legal logit, of a class that takes no part. It is read as this: no difference with a logit in ±1e38
// overflows.
const LOWEST = -2e38;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = workgroup_id.y * num_workgroups.x + workgroup_id.x;
  let first = index * WORKGROUP_SIZE * GROUPS_PER_THREAD + lane;
  let divide_by = divisor();
  let scale = select(problem.grad_output / divide_by, 0.0, divide_by == 0.0);
  var sum = 0.0;
  for (var i = 0u; i < GROUPS_PER_THREAD; i++) {
    let group = first + i * WORKGROUP_SIZE;
    if group < problem.pixels / LANES {
      sum += add_lanes(group_loss(group, scale));
    }
  }
  add_partial(index, lane, sum);
}

// Writes all that is asked for about one group of pixels; returns what they add to the sum.
fn group_loss(group: u32, scale: f32) -> Pixels {
  let labels = labels_at(group);
  let valid = (labels >= Ints(0)) & (labels < Ints(i32(CLASSES))) & (labels != Ints(problem.ignore_index));

  // Of the group's logits, class 0; the next class is a plane further.
  let plane = problem.plane / LANES;
  let first = group + (group / plane) * (CLASSES - 1u) * plane;
  var softmax: Softmax;
  read_logits(&softmax, problem.logits_offset / LANES + first, plane, labels);

  let curve = focal_curve(softmax.margin);
  let factor = select(Pixels(0.0), factors_at(labels), valid);
  let infinite = softmax.label_logit <= Pixels(LOWEST);
  let loss = factor * curve.loss;

  if WRITE_GRADIENT {
    let upstream = grad_output[problem.grad_output_offset / LANES + group * problem.grad_output_stride];
    let slope = scale * upstream * factor * select(curve.slope, Pixels(1.0), infinite);
    // Last of all, so that nothing an upstream gradient holds reaches a pixel that does not count.
    let counted = select(Pixels(0.0), slope, valid);
    let gradients = problem.grad_logits_offset / LANES + first;
    write_gradient(&softmax, gradients, plane, labels, counted);
    if any_lane(softmax.is_nan) {
      for (var k = 0u; k < CLASSES; k++) {
        let at = gradients + k * plane;
        grad_logits[at] = select(grad_logits[at], Pixels(0.0), softmax.is_nan);
      }
    }
  }
  if WRITE_LOSS_MAP {
    let finite_or_inf = select(bitcast<Bits>(loss), Bits(problem.infinity), infinite);
    let bits = select(finite_or_inf, Bits(problem.nan), softmax.is_nan);
    loss_map[problem.loss_map_offset / LANES + group] = select(Bits(0u), bits, valid);
  }
  if WRITE_ARGMAX {
    argmax_map[group] = select(softmax.argmax, Bits(NO_CLASS), softmax.is_nan);
  }
  if any_lane(valid & (softmax.is_nan | infinite)) {
    atomicAdd(&workspace.nan, count_lanes(valid & softmax.is_nan));
    atomicAdd(&workspace.infinite, count_lanes(valid & !softmax.is_nan & infinite));
  }
  return select(Pixels(0.0), loss, valid & !softmax.is_nan & !infinite);
}
