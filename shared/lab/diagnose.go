package lab

import (
	"strings"
)

// Diagnosis is the cause of a failure, for the learner and for the operator.
type Diagnosis struct {
	Reason   Reason
	Operator string // a sentence or two: what it is, and what to do
}

// cause is one that Heat's words tell. They are exceptions of Heat, Nova, Neutron, Cinder and Keystone as text, such as
// "Resource CREATE failed: Forbidden: resources.server: Quota exceeded for cores" or "… ResourceInError: … Message: No valid
// host was found" (heat/engine/stack.py, heat/common/exception.py, nova/exception.py).
type cause struct {
	words    []string // any of them
	reason   Reason
	operator string
}

// causes are in the order in which they are looked for: the more telling words first.
func causes() []cause {
	return []cause{
		{
			[]string{"quota", "overlimit", "limit exceeded", "maximum number of ports exceeded", "requestlimitexceeded"},
			CloudFull,
			"The project's quota is used up. Raise it, lower capacity of the cloud, or let labs end sooner.",
		},
		{
			[]string{"no valid host", "novalidhost", "insufficient compute resources", "exceeded maximum number of retries"},
			CloudFull,
			"No host has room for a server of this flavor. Add hosts, or choose a smaller flavor.",
		},
		{
			[]string{"no more ip addresses", "ipaddressgenerationfailure", "no more floating", "externalipaddressexhausted"},
			CloudFull,
			"The network has no free address left. Enlarge its subnet, or release floating IPs.",
		},
		{
			[]string{
				"imagenotfound", "flavornotfound", "invalidimageref", "the image (", "the flavor (", "the key (", "no images matching", "no flavor matching", "image could not be found",
				"flavor could not be found", "is not active",
			},
			BadImage,
			"An image, flavor or key that the template names is not there, or not for this project. Correct the lab's parameters.",
		},
		{
			[]string{"waitconditiontimeout", "wait condition timed out"},
			SetupFailed,
			"The machine never reported that it is ready. Look at its console: cloud-init may hang, or the machine does not reach Heat.",
		},
		{
			[]string{"waitcondition"},
			SetupFailed,
			"The machine reported that its setup failed. Its console and /var/log/cloud-init-output.log say why.",
		},
		{
			[]string{"keystone", "unauthorized", "authentication", "trust", "invalidcredential"},
			CloudFault,
			"Heat could not authenticate for the lab. Look at Keystone, and at the trust or the credentials that Heat uses.",
		},
		{
			[]string{"volume", "cinder", "backup"},
			VolumeFault,
			"A volume could not be made or attached. Look at Cinder and its back end.",
		},
		{
			[]string{"portbinding", "binding failed", "vif", "neutron", "resources.port", "networknotfound", "subnet", "router", "floatingip", "externalnetwork"},
			NetworkFault,
			"A network, port or address could not be made. Look at Neutron's agents, and at the networks that the template names.",
		},
		{
			[]string{"messagingtimeout", "dbconnection", "operationalerror", "internal server error", "service unavailable", "http 500", "http 503", "connection refused", "connectfailure", "engine went down"},
			CloudFault,
			"An OpenStack service failed meanwhile. Look at the logs of Heat's engine of that time, and build the lab again.",
		},
		{
			[]string{"timed out", "timeout"},
			TimedOut,
			"It was not finished within build_timeout. Look at which resource was last under way, or allow more time.",
		},
	}
}

// Diagnose finds the cause of a stack's failure in its state and in Heat's words.
func Diagnose(s Stack) Diagnosis {
	switch s.state() {
	case "RESUME_FAILED":
		return Diagnosis{ResumeFailed, "It could not be woken up; what is on its disks is kept. Look at the state of its servers in Nova; a reset builds a new lab beside it."}
	case "SUSPEND_FAILED":
		return Diagnosis{SleepFailed, "It could not be put to sleep, and Heat accepts nothing but a delete any more. Its servers may still run."}
	case "DELETE_FAILED":
		return Diagnosis{DeleteFailed, "It could not be removed and is tried again. Look at what holds its resources: a port in use, a volume that is attached elsewhere."}
	}
	words := strings.ToLower(s.Reason)
	for _, c := range causes() {
		for _, word := range c.words {
			if strings.Contains(words, word) {
				return Diagnosis{c.reason, c.operator}
			}
		}
	}
	return Diagnosis{BuildFailed, "Heat gives a reason that says nothing known. Its events of the stack name the resource."}
}
