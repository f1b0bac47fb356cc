package openstack

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// entryFromEnv reads an openrc: the same values under OS_ names, old ones included.
func entryFromEnv(getenv func(string) string) entry {
	var e entry
	a := &e.Auth
	a.AuthURL = getenv("OS_AUTH_URL")
	a.AppID = getenv("OS_APPLICATION_CREDENTIAL_ID")
	a.AppName = getenv("OS_APPLICATION_CREDENTIAL_NAME")
	a.AppSecret = getenv("OS_APPLICATION_CREDENTIAL_SECRET")
	a.UserID = first(getenv("OS_USER_ID"), getenv("OS_USERID"))
	a.Username = getenv("OS_USERNAME")
	a.Password = getenv("OS_PASSWORD")
	a.Token = first(getenv("OS_TOKEN"), getenv("OS_AUTH_TOKEN"))
	a.ProjectID = first(getenv("OS_PROJECT_ID"), getenv("OS_TENANT_ID"))
	a.ProjectName = first(getenv("OS_PROJECT_NAME"), getenv("OS_TENANT_NAME"))
	a.UserDomainID, a.UserDomainName = getenv("OS_USER_DOMAIN_ID"), getenv("OS_USER_DOMAIN_NAME")
	a.ProjectDomainID, a.ProjectDomainName = getenv("OS_PROJECT_DOMAIN_ID"), getenv("OS_PROJECT_DOMAIN_NAME")
	a.DomainID, a.DomainName = getenv("OS_DOMAIN_ID"), getenv("OS_DOMAIN_NAME")
	a.DefaultDomain = getenv("OS_DEFAULT_DOMAIN")
	a.TrustID = getenv("OS_TRUST_ID")
	e.AuthType = getenv("OS_AUTH_TYPE")
	e.Region = getenv("OS_REGION_NAME")
	e.Interface = first(getenv("OS_INTERFACE"), getenv("OS_ENDPOINT_TYPE"))
	e.Heat = getenv("OS_ORCHESTRATION_ENDPOINT_OVERRIDE")
	e.Nova = getenv("OS_COMPUTE_ENDPOINT_OVERRIDE")
	e.Neutron = getenv("OS_NETWORK_ENDPOINT_OVERRIDE")
	e.Octavia = getenv("OS_LOAD_BALANCER_ENDPOINT_OVERRIDE")
	e.fillTLS(getenv)
	return e
}

// fillTLS lets the variables stand over the entry's files: the same clouds.yaml is used on machines that keep their
// certificates in different places.
func (e *entry) fillTLS(getenv func(string) string) {
	e.CACert = first(getenv("OS_CACERT"), e.CACert)
	e.Cert = first(getenv("OS_CERT"), e.Cert)
	e.Key = first(getenv("OS_KEY"), e.Key)
	switch strings.ToLower(getenv("OS_INSECURE")) {
	case "1", "true", "yes":
		e.Insecure = true
	}
	e.home = getenv("HOME")
}

// tlsFiles say whom to trust and who we are.
type tlsFiles struct {
	ca, cert, key string
	insecure      bool
}

func (e *entry) tlsFiles() tlsFiles {
	return tlsFiles{
		ca: e.atHome(e.CACert), cert: e.atHome(e.Cert), key: e.atHome(e.Key),
		insecure: e.Insecure || (e.Verify != nil && !*e.Verify),
	}
}

func (e *entry) atHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(e.home, rest)
	}
	return path
}

func (f tlsFiles) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.insecure} //nolint:gosec // the operator's own "verify: false"
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("read cacert (OS_CACERT): %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cacert (OS_CACERT) %s holds no PEM certificate", f.ca)
		}
	}
	switch {
	case f.cert == "" && f.key == "":
		return c, nil
	case f.cert == "" || f.key == "":
		return nil, errors.New("cert (OS_CERT) and key (OS_KEY) go together: set both")
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("read cert (OS_CERT) and key (OS_KEY): %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
