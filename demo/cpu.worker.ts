// The worker in which the CPU computes.

import { expose } from "comlink";
import { api } from "./cpuApi.js";

expose(api);
