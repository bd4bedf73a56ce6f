package controlplane

import (
	"context"
	"fmt"
	"os"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/ptr"
)

// serviceAccountTokenLifetime outlives every run: a token handed out is never renewed.
const serviceAccountTokenLifetime = 365 * 24 * time.Hour

// KubeconfigContext is the name of the context in every kubeconfig from here.
const KubeconfigContext = "kisi-operator"

// AdminConfig returns the configuration of a client that may do everything, as user kubernetes-admin of group
// system:masters, as fast as it likes.
func (c *ControlPlane) AdminConfig() *rest.Config {
	config := c.config(c.admin)
	config.QPS = -1
	return config
}

// AdminKubeconfig returns AdminConfig as the content of a kubeconfig file.
func (c *ControlPlane) AdminKubeconfig() ([]byte, error) { return Kubeconfig(c.AdminConfig()) }

// ConfigFor returns the configuration of a client with the identity of the given user and groups, by a client
// certificate. The user may do what RBAC allows: at first, next to nothing.
func (c *ControlPlane) ConfigFor(user string, groups ...string) (*rest.Config, error) {
	pair, err := c.authority.clientCertificate(user, groups)
	if err != nil {
		return nil, err
	}
	return c.config(pair), nil
}

// ServiceAccountConfig returns the configuration of a client with the identity of a service account, which must exist. Its
// limits are those that a kubeconfig gives: what runs with it must choose its own.
func (c *ControlPlane) ServiceAccountConfig(ctx context.Context, namespace, name string) (*rest.Config, error) {
	if c.options.MemoryAPIServer != "" { // it gives no tokens, and knows everybody by certificate
		return c.ConfigFor("system:serviceaccount:"+namespace+":"+name, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
	}
	admin, err := kubernetes.NewForConfig(c.AdminConfig())
	if err != nil {
		return nil, err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: ptr.To(int64(serviceAccountTokenLifetime.Seconds())),
	}}
	answer, err := admin.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("requesting a token for service account %s/%s: %w", namespace, name, err)
	}
	config := c.config(keyPair{})
	config.BearerToken = answer.Status.Token
	return config, nil
}

// ServiceAccountKubeconfig returns ServiceAccountConfig as the content of a kubeconfig file.
func (c *ControlPlane) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) ([]byte, error) {
	config, err := c.ServiceAccountConfig(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return Kubeconfig(config)
}

func (c *ControlPlane) config(pair keyPair) *rest.Config {
	return &rest.Config{
		Host: c.host,
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   c.authority.bundle(),
			CertData: pair.certificate,
			KeyData:  pair.key,
		},
	}
}

// Kubeconfig returns the content of a kubeconfig file with the address and the credentials of config.
func Kubeconfig(config *rest.Config) ([]byte, error) {
	const name = KubeconfigContext
	return clientcmd.Write(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{name: {
			Server:                   config.Host,
			CertificateAuthorityData: config.CAData,
		}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{name: {
			ClientCertificateData: config.CertData,
			ClientKeyData:         config.KeyData,
			Token:                 config.BearerToken,
		}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	})
}

func (c *ControlPlane) writeAdminKubeconfig() error {
	kubeconfig, err := c.AdminKubeconfig()
	if err != nil {
		return err
	}
	return os.WriteFile(c.file(adminKubeconfigFile), kubeconfig, 0o600)
}
