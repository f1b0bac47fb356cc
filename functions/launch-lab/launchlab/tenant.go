package launchlab

import (
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti"
)

// sender is who sends launches: an LTI 1.1 consumer by its key, or an LTI 1.3 platform by issuer and client id.
type sender struct{ key, issuer, client string }

// tenant is what the configuration says of a sender.
type tenant struct {
	name      string // under which its labs are kept
	labs      []string
	ancestors []string
}

func tenants(c config.LTI) map[sender]tenant {
	list := map[sender]tenant{}
	for _, consumer := range c.Consumers {
		list[sender{key: consumer.Key}] = tenant{nameOf(consumer.Tenant, consumer.Key), consumer.Labs, consumer.FrameAncestors}
	}
	for _, p := range c.Platforms {
		// The blank keeps such a name apart from every consumer's key, which cannot hold one.
		name := nameOf(p.Tenant, "1.3 "+p.Issuer+" "+p.ClientID)
		list[sender{issuer: p.Issuer, client: p.ClientID}] = tenant{name, p.Labs, p.FrameAncestors}
	}
	return list
}

func nameOf(chosen, otherwise string) string {
	if chosen != "" {
		return chosen
	}
	return otherwise
}

func senderOf(l lti.Launch) sender { return sender{l.Tenant, l.Issuer, l.ClientID} }

// legacy is the verifier of LTI 1.1.
func legacy(c config.LTI, parts Parts) lti.Verifier {
	v := lti.Verifier{Consumers: map[string]lti.Consumer{}, Seen: parts.Seen, Now: parts.Now}
	for _, consumer := range c.Consumers {
		v.Consumers[consumer.Key] = lti.Consumer{
			Key: consumer.Key, Secret: consumer.Secret.Reveal(), Origins: consumer.FrameAncestors,
			OutcomeHosts: consumer.OutcomeHosts, Instructors: consumer.Instructors, Methods: consumer.SignatureMethods,
		}
	}
	return v
}

// registrations are the platforms as the verifier of LTI 1.3 needs them.
func registrations(c config.LTI) []lti.Registration {
	list := make([]lti.Registration, len(c.Platforms))
	for i, p := range c.Platforms {
		list[i] = lti.Registration{
			Issuer: p.Issuer, ClientID: p.ClientID, Deployments: p.Deployments, AuthURL: p.AuthURL, TokenURL: p.TokenURL, JWKSURL: p.JWKSURL,
			Algorithms: p.Algorithms, Origins: p.FrameAncestors, Instructors: p.Instructors, GradeHosts: p.GradeHosts,
		}
	}
	return list
}
