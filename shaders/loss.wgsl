// Loss: logits and targets, or what sweeps over the logits carried, to the gradient, the maps and the partial sums.
// A workgroup takes a block; a thread of it every WORKGROUP_SIZE-th group of LANES positions.
// Joined with lib/blocks, a family's `Position`, `read_position` and `write_gradient`, which know what a position's loss is, and
// `leave_gradient`, which says when that is written.
//
// pixel_weights: [batch, ...spatial]; grad_output, loss_map (bits of f32) and argmax (i32): like the positions.

// The prediction where a logit is NaN or +inf: −1.
const NO_CLASS = 0xffffffffu;

@compute @workgroup_size(WORKGROUP_SIZE)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) num_workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = linear_index(workgroup_id, num_workgroups);
  if index >= problem.blocks {
    return;
  }
  let span = block_at(index);
  enter_block(span.first);
  let first = span.first + lane * LANES;
  let divide_by = divisor();
  let scale = select(problem.grad_output / divide_by, 0.0, divide_by == 0.0);
  // Sums of 16, then of those: rounding grows with the longer of the two.
  var sum = 0.0;
  for (var i = 0u; i < GROUPS_PER_THREAD; i += 16u) {
    var chunk = 0.0;
    for (var j = i; j < min(i + 16u, GROUPS_PER_THREAD); j++) {
      let group = span.first + j * WORKGROUP_SIZE * LANES;
      let position = group + lane * LANES;
      begin_group(group, span.end, lane);
      if position < span.end {
        chunk += add_lanes(losses_at(position, scale));
      }
      end_group(group, span.end, lane);
      next_group();
    }
    put_off_chunk(i / 16u);
    sum += chunk;
  }
  add_partial(span.partial, lane, sum + sum_put_off(first, scale));
  add_tally();
}

// Counted here, and added once per thread.
struct Tally {
  nan: u32,
  infinite: u32,
  out_of_range: u32,
}

var<private> tally: Tally;

fn add_tally() {
  if tally.nan + tally.infinite + tally.out_of_range > 0u {
    atomicAdd(&workspace.nan, tally.nan);
    atomicAdd(&workspace.infinite, tally.infinite);
    atomicAdd(&workspace.invalid, tally.out_of_range);
  }
}

// Writes all that is asked for about the LANES positions from `first` on; returns what they add to the sum.
fn losses_at(first: u32, scale: f32) -> Floats {
  var position: Position;
  read_position(&position, first);
  return with_put_off(losses_of(&position, first, scale), is_put_off(&position), first, scale);
}

fn losses_of(position: ptr<function, Position>, first: u32, scale: f32) -> Floats {
  let weight = pixel_weights_at(first);
  let weight_bits = bitcast<Bits>(weight);
  // Negative, infinite or NaN.
  let bad_weight = (weight_bits >= Bits(0x7f800000u)) & (weight_bits != Bits(0x80000000u));
  let out_of_range = (*position).valid & ((*position).out_of_range | bad_weight);
  let counted = (*position).valid & !out_of_range;
  let is_nan = counted & (*position).is_nan;
  let infinite = counted & (*position).infinite & !(*position).is_nan;
  let loss = select(Floats(0.0), weight * (*position).loss, counted);

  if WRITE_GRADIENT {
    // Selected last, so that nothing an upstream gradient holds reaches a position that does not count.
    let slope = select(Floats(0.0), scale * upstreams_at(first) * weight, counted);
    if !is_put_off(position) {
      leave_gradient(position, first, slope, counted & !(*position).is_nan);
    }
  }
  if WRITE_LOSS_MAP {
    let finite = select(bitcast<Bits>(loss) & Bits(0x7fffffffu), Bits(OUT_OF_RANGE), out_of_range);
    let finite_or_inf = select(finite, Bits(problem.infinity), infinite);
    store_loss_map((problem.loss_map_offset + first) / LANES, select(finite_or_inf, Bits(problem.nan), is_nan));
  }
  if WRITE_ARGMAX {
    let class_or_none = select((*position).argmax, Bits(NO_CLASS), (*position).is_nan);
    store_argmax((problem.argmax_offset + first) / LANES, class_or_none);
  }
  tally.nan += count_lanes(is_nan);
  tally.infinite += count_lanes(infinite);
  tally.out_of_range += count_lanes(out_of_range);
  return select(loss, Floats(0.0), is_nan | infinite);
}

fn upstream_at(position: u32) -> f32 {
  if !GRAD_OUTPUT_MAP {
    return 1.0;
  }
  return load_grad_output(problem.grad_output_offset + position);
}
