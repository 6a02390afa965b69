package line

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
)

// Login is how to connect: CLIENT_LOGIN, as test/kafka/clients/README.md describes. What is empty is not used.
type Login struct {
	Mechanism, User, Password, Token string
	// Path of a file with a token that changes, in the place of Token.
	TokenFile string
	// Paths of PEM files.
	Ca, Cert, Key string
}

// ReadLogin panics if CLIENT_LOGIN is set and unusable.
func ReadLogin() Login {
	var login Login
	if text := os.Getenv("CLIENT_LOGIN"); text != "" {
		if err := json.Unmarshal([]byte(text), &login); err != nil {
			panic(err)
		}
	}
	return login
}

// CurrentToken returns the token to log in with now.
func (l Login) CurrentToken() (string, error) {
	if l.TokenFile == "" {
		return l.Token, nil
	}
	token, err := os.ReadFile(l.TokenFile)
	return string(token), err
}

// TLS returns nil for a connection without TLS.
func (l Login) TLS() *tls.Config {
	if l.Ca == "" {
		return nil
	}
	pem, err := os.ReadFile(l.Ca)
	if err != nil {
		panic(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(pem)
	if l.Cert != "" {
		pair, err := tls.LoadX509KeyPair(l.Cert, l.Key)
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}
