// What the kernels of one step hand to each other. All counters are zero between steps: finish clears them.

struct Workspace {
  valid: atomic<u32>,     // positions whose target is neither ignored nor invalid
  invalid: atomic<u32>,   // positions with an invalid target, and valid ones with a number out of its range
  nan: atomic<u32>,       // valid positions with a NaN or +inf logit: their loss is NaN
  infinite: atomic<u32>,  // valid positions with −inf where the target is above 0: their loss is +inf
  weight_sum: f32,        // Σ pixel weight · class weight of the valid positions
  partials: array<f32>,   // of one thread or of one workgroup: Σ weight, then Σ loss
}

@group(0) @binding(2) var<storage, read_write> workspace: Workspace;

// What the sum of losses is divided by.
fn divisor() -> f32 {
  switch problem.divisor_kind {
    case DIVIDE_BY_VALID_COUNT: {
      return f32(atomicLoad(&workspace.valid));
    }
    case DIVIDE_BY_WEIGHT_SUM: {
      return workspace.weight_sum;
    }
    default: {
      return problem.divisor;
    }
  }
}
