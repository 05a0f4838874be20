// Package goredis shows how a go-redis client follows a secret.
package goredis

import (
	"context"
	"math/rand"
	"sync"
	"time"
)

// Secret has the fields of the secret that a client needs.
type Secret struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	SSL      bool   `json:"ssl"`
	Username string `json:"username"`
	Password string `json:"password"`
}

const firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second

// RotatingPassword is the password that a secret has. It is kept, and read again once Redis has refused it: by one
// reader at a time, and with longer pauses while the secret has nothing new.
type RotatingPassword struct {
	Read func(context.Context) (Secret, error)

	lock      sync.Mutex
	known     bool
	password  string
	refused   bool
	pause     time.Duration
	notBefore time.Time
}

// Get is what go-redis asks before each AUTH. The name is in front of a custom account's password: see authArgument.
func (p *RotatingPassword) Get(ctx context.Context) (username, password string, err error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.known && !(p.refused && time.Now().After(p.notBefore)) {
		return "", p.password, nil
	}
	secret, err := p.Read(ctx)
	fresh := err == nil && !(p.known && authArgument(secret) == p.password)
	if err == nil {
		p.password, p.known, p.refused = authArgument(secret), true, false
	}
	if p.pause = 2 * p.pause; fresh || p.pause == 0 {
		p.pause = firstPause
	} else if p.pause > longestPause {
		p.pause = longestPause
	}
	p.notBefore = time.Now().Add(p.pause/2 + time.Duration(rand.Int63n(int64(p.pause))))
	if p.known {
		// The password at hand may still be good.
		return "", p.password, nil
	}
	return "", "", err
}

// Refused says that Redis has refused the password.
func (p *RotatingPassword) Refused() {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.refused = true
}

// A custom account of TencentDB gives its name and its password as one argument.
func authArgument(s Secret) string {
	if s.Username == "" || s.Username == "default" || s.Username == "root" {
		return s.Password
	}
	return s.Username + "@" + s.Password
}
