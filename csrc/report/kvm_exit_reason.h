/* SPDX-License-Identifier: MIT */
/* Names of exit reasons, those that libtraceevent's kvm plugin knows. */
#ifndef TRC_REPORT_KVM_EXIT_REASON_H
#define TRC_REPORT_KVM_EXIT_REASON_H

#include "base/internal.h"

/* NULL: none. */
const char *vmx_exit_reason(uint64_t reason); /* Intel SDM, volume 3, appendix C */
const char *svm_exit_reason(uint64_t reason); /* AMD APM, volume 2, appendix C */

#endif
