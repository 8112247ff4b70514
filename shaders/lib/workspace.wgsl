// What the kernels of one step hand to each other. All counters are zero between steps: finish clears them.

struct Workspace {
  valid: atomic<u32>,     // pixels whose label is a class and not ignore_index
  invalid: atomic<u32>,   // pixels whose label is neither
  nan: atomic<u32>,       // valid pixels with a NaN or +inf logit: their loss is NaN
  infinite: atomic<u32>,  // valid pixels with −inf at the label: their loss is +inf
  class_counts: array<atomic<u32>, CLASSES>,
  partials: array<f32>,   // Σ loss of one thread or of one workgroup
}

@group(0) @binding(2) var<storage, read_write> workspace: Workspace;

// What the sum of losses is divided by.
fn divisor() -> f32 {
  switch problem.divisor_kind {
    case DIVIDE_BY_VALID_COUNT: {
      return f32(atomicLoad(&workspace.valid));
    }
    case DIVIDE_BY_WEIGHT_SUM: {
      var sum = 0.0;
      for (var c = 0u; c < CLASSES; c++) {
        sum += class_at(c).weight * f32(atomicLoad(&workspace.class_counts[c]));
      }
      return sum;
    }
    default: {
      return problem.divisor;
    }
  }
}
