// Every group of ops of the sinter dialect, for the documentation.
include "dialects/sinter/ElementwiseOps.td"
include "dialects/sinter/EncoderOps.td"
include "dialects/sinter/LatentOps.td"
include "dialects/sinter/MoeOps.td"
include "dialects/sinter/NormOps.td"
include "dialects/sinter/RecurrentOps.td"
include "dialects/sinter/SinterOps.td"
